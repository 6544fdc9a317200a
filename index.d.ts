/**
 * Replicated maps, queues, records, emitters and remote maps for the instances of a Node.js service.
 * Begin at {@link Hamok}; the README has examples.
 */
export * from './lib/index';
