/** How the type tests say what a type is. */

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** `typeOf(value).is<T>()` compiles only if the value has exactly this type. */
export declare function typeOf<A>(value: A): {
  is<B>(...difference: Same<A, B> extends true ? [] : [never]): void;
};
