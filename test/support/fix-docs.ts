import { generatedPages, writeGeneratedPart } from './generated-pages.ts';

for (const { path, content } of generatedPages) writeGeneratedPart(path, await content());
