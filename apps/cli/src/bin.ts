import { main } from './main.ts';

// The bundle is CommonJS, which has no top-level await.
void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
