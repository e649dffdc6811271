// Reads and validates manifests with @trustnxt/c2pa-ts: a path by line in, a list of complaints as JSON by line out.
import * as fs from 'node:fs/promises';
import * as readline from 'node:readline';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const part = (name) => import(pathToFileURL(join(process.argv[2], 'dist', name, 'index.js')));
const { BMFF, JPEG, PNG } = await part('asset');
const { SuperBox } = await part('jumbf');
const { ManifestStore } = await part('manifest');

async function complaints(path) {
    const bytes = await fs.readFile(path);
    const Kind = [JPEG, PNG, BMFF].find((kind) => kind.canRead(bytes));
    if (!Kind) return ['refused: no format that it reads'];
    const asset = new Kind(bytes);
    const store = asset.getManifestJUMBF();
    if (!store) return ['no manifest'];
    const result = await ManifestStore.read(SuperBox.fromBuffer(store)).validate(asset);
    const failed = result.statusEntries.filter((entry) => !entry.success);
    const lines = failed.map((entry) => `failure ${entry.code}${entry.explanation ? `: ${entry.explanation}` : ''}`);
    return result.isValid || lines.length ? lines : ['not valid, without a reason'];
}

for await (const path of readline.createInterface({ input: process.stdin })) {
    const found = await complaints(path).catch((error) => [`refused: ${error.name}: ${error.message}`]);
    console.log(JSON.stringify(found));
}
