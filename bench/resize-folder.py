"""What users write today: a loop with Pillow, in as many processes as there are cores."""
import os
import sys
from multiprocessing import Pool

from PIL import Image

FROM, TO = sys.argv[1:3]


def resize(name):
    with Image.open(os.path.join(FROM, name)) as image:
        image.thumbnail((512, 512), Image.LANCZOS)
        path = os.path.join(TO, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        image.save(path, quality=90)


names = [
    os.path.relpath(os.path.join(folder, name), FROM)
    for folder, _, files in os.walk(FROM)
    for name in files
    if name.endswith('.jpg')
]
with Pool(os.cpu_count()) as pool:
    pool.map(resize, names, chunksize=16)
