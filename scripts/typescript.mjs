// Importing this lets Node.js import TypeScript, by names without an extension as the tests have them. Types are not
// checked. For programs that need parts of the tests and not the test runner.
import { existsSync, readFileSync } from 'node:fs';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';

// Node.js calls the functions below on a thread of its own.
if (isMainThread) register(import.meta.url);

export function resolve(specifier, context, next) {
  if (specifier.startsWith('.')) {
    for (const ending of ['.ts', '/index.ts']) {
      const url = new URL(`${specifier}${ending}`, context.parentURL);
      if (existsSync(url)) return { url: url.href, format: 'module', shortCircuit: true };
    }
  }
  return next(specifier, context);
}

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const { default: typescript } = await import('typescript');
  const { target, module } = { target: typescript.ScriptTarget.ES2022, module: typescript.ModuleKind.ESNext };
  const source = readFileSync(fileURLToPath(url), 'utf8');
  const options = { compilerOptions: { target, module, inlineSourceMap: true }, fileName: fileURLToPath(url) };
  return { format: 'module', source: typescript.transpileModule(source, options).outputText, shortCircuit: true };
}
