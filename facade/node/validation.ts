/**
 * Checks of the options that users give. Each gives back the value, or throws a `HamokError` with the code
 * `INVALID_CONFIG` that names the option.
 */
import { type HamokError, hamokError } from '../common/errors';

/** The longest time that a timer of Node.js takes. */
const MAX_TIME_MS = 0x7fff_ffff;

/** A time in milliseconds that a timer can take; fractions are fine. */
export function time(name: string, value: number, min: number): number {
  return number(name, value, min, MAX_TIME_MS);
}

/** A whole number within bounds. */
export function integer(name: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value)) throw invalidConfig(`${name} must be a whole number, not ${String(value)}`);

  return number(name, value, min, max);
}

/** An object of the user's. */
export function object<T>(name: string, value: T): T {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) {
    throw invalidConfig(`${name} must be an object, not ${String(value)}`);
  }

  return value;
}

/** An object of the user's that has these functions. */
export function objectWith<T>(name: string, value: T, functions: readonly string[]): T {
  object(name, value);
  for (const method of functions) {
    if (typeof (value as Record<string, unknown>)[method] !== 'function') {
      throw invalidConfig(`${name} must have a function ${method}`);
    }
  }

  return value;
}

/** A function of the user's. */
export function functionOption<T>(name: string, value: T): T {
  if (typeof value !== 'function') throw invalidConfig(`${name} must be a function, not ${String(value)}`);

  return value;
}

/** A text that is not empty. */
export function nonEmptyString(name: string, value: string): string {
  if (typeof value !== 'string' || value === '') throw invalidConfig(`${name} must be a string that is not empty`);

  return value;
}

/** Yes or no. */
export function boolean(name: string, value: boolean): boolean {
  if (typeof value !== 'boolean') throw invalidConfig(`${name} must be true or false, not ${String(value)}`);

  return value;
}

/** A number within bounds. */
export function number(name: string, value: number, min: number, max: number): number {
  if (typeof value !== 'number' || !(value >= min && value <= max)) {
    throw invalidConfig(`${name} must be a number from ${min} to ${max}, not ${String(value)}`);
  }

  return value;
}

/** The error of an option that is not what it must be. */
export function invalidConfig(text: string): HamokError {
  return hamokError('INVALID_CONFIG', `Config error: ${text}`);
}
