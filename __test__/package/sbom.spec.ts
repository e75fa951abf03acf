/** What a package is made of, as it is told to those who install it: by the name it is published by, and with what is inside of it. */
import test from 'ava';
import { npmSbom } from '../../scripts/support/npm-sbom.js';

interface Component {
  name: string;
  'bom-ref': string;
  scope?: string;
  properties?: { name: string }[];
}

test('the SBOM of npm’s tree is that of whippet wherever it lies; what is bundled is required, and hangs on the package that holds it', (t) => {
  const { metadata, components, dependencies } = npmSbom() as {
    metadata: { component: Component };
    components: Component[];
    dependencies: { ref: string; dependsOn: string[] }[];
  };
  t.is(metadata.component.name, 'whippet');
  const names = components.map(({ name }) => name);
  for (const name of ['tough-cookie', 'tldts', '@noble/hashes', 'buffer']) t.true(names.includes(name), name);
  t.false(names.includes('ava'));
  t.deepEqual(
    components.filter(
      ({ scope, properties }) => scope !== 'required' || properties?.some(({ name }) => name.endsWith(':development')),
    ),
    [],
  );
  const known = components.map((component) => component['bom-ref']);
  const root = dependencies.find(({ ref }) => ref === metadata.component['bom-ref']);
  t.true(root?.dependsOn.some((ref) => ref.startsWith('@noble/hashes@')));
  for (const { ref, dependsOn } of dependencies) {
    t.true(ref === root?.ref || known.includes(ref), ref);
    t.deepEqual(
      dependsOn.filter((one) => !known.includes(one)),
      [],
      ref,
    );
  }
});
