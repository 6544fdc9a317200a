/** In which order vitest starts the files of tests. */
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Take longest: started late, they would keep one core waiting for them. The largest files, which vitest takes first, do not. */
const FIRST = [
  '__test__/black-box/black-box.test.ts',
  '__test__/stores/faults.test.ts',
  '__test__/crash-matrix/crash-matrix.test.ts',
];

export class Sequence extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const pathOf = ({ moduleId }: TestSpecification) => relative(this.ctx.config.root, moduleId).replaceAll('\\', '/');
    const rank = (file: TestSpecification) => {
      const first = FIRST.indexOf(pathOf(file));

      return first >= 0 ? first : FIRST.length;
    };

    // Stable: the others keep the order that vitest gives them.
    return sorted.sort((a, b) => rank(a) - rank(b));
  }
}
