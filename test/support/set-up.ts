// Runs for each file, and what it imports once where files share a process: no tester is added twice.
import './equal-bytes.ts';
