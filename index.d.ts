/**
 * Maps and remote maps that the instances of a Node.js service share.
 * Begin at {@link Hamok}; the README has examples.
 */
export * from './lib/index';
