import { describe, expect, it } from 'vitest';
import { findUnexpected } from '../../src/dataset/images.ts';

describe('files that are none of the members', () => {
  it.each<{ name: string; paths: string[]; members: string[]; unexpected: string[] }>([
    { name: 'none', paths: ['a.jpg', 'b/c.jpg'], members: ['b/c.jpg', 'a.jpg'], unexpected: [] },
    {
      name: 'copies, as browsers and shells name them',
      paths: ['Copy of a.jpg', 'a (1).jpg', 'a - Copy.jpg', 'a.jpg', 'copies/a.jpg'],
      members: ['a.jpg'],
      unexpected: ['Copy of a.jpg', 'a (1).jpg', 'a - Copy.jpg', 'copies/a.jpg'],
    },
    { name: 'a member that is gone', paths: ['b.jpg'], members: ['a.jpg'], unexpected: ['b.jpg'] },
    {
      name: 'a member in another case, as a disk without case may list it',
      paths: ['A.JPG', 'sub/b.jpg'],
      members: ['a.jpg', 'Sub/b.jpg'],
      unexpected: [],
    },
    {
      name: 'a copy in another case, beside the member',
      paths: ['A.jpg', 'a.jpg'],
      members: ['a.jpg'],
      unexpected: ['A.jpg'],
    },
    {
      name: 'a member in another Unicode form, as a disk of macOS lists it',
      paths: ['pe\u0301.jpg'],
      members: ['p\u00e9.jpg'],
      unexpected: [],
    },
    {
      name: 'both forms, of which the archive has one',
      paths: ['pe\u0301.jpg', 'p\u00e9.jpg'],
      members: ['p\u00e9.jpg'],
      unexpected: ['pe\u0301.jpg'],
    },
    {
      name: 'a second file in the place of one member that is gone',
      paths: ['A.jpg', 'A.JPG'],
      members: ['a.jpg'],
      unexpected: ['A.JPG'],
    },
  ])('$name', ({ paths, members, unexpected }) => {
    const found = findUnexpected(
      paths,
      members.map((path) => ({ path })),
    );
    expect(found).toEqual(unexpected);
  });
});
