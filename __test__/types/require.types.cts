/** Compiled, never run: what CommonJS modules require. */
import hamokPackage = require('hamok');
import deep = require('hamok/lib/collections/HamokMap');
import library = require('hamok/lib');

const { Hamok, HamokMessage } = hamokPackage;
const hamok: hamokPackage.Hamok<{ region: string }> = new Hamok({ appData: { region: 'here' } });
const map: deep.HamokMap<string, number> = hamok.createMap<string, number>({ mapId: 'map' });
const same: library.HamokMap<string, number> = map;

hamok.accept(new HamokMessage());

// @ts-expect-error there is no such export
hamokPackage.start();

export = same;
