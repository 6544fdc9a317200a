/**
 * Bytes as text for snapshots. What is UTF-8 stays readable text, other bytes are in base64 behind a marker, so that
 * every sequence of bytes comes back as it was.
 */
import { hamokError } from '../../common/errors';

const MARKER = '\u0000base64:';

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function bytesToText(bytes: Uint8Array): string {
  try {
    const text = strictUtf8.decode(bytes);
    if (!text.startsWith(MARKER)) return text;
  } catch {
    // No UTF-8.
  }

  return MARKER + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** @throws HamokError `INVALID_ARGUMENT` when it is no text */
export function textToBytes(text: string): Uint8Array {
  if (typeof text !== 'string')
    throw hamokError('INVALID_ARGUMENT', 'A snapshot must have its keys and values as text');

  return text.startsWith(MARKER) ? Buffer.from(text.slice(MARKER.length), 'base64') : Buffer.from(text);
}
