export declare const FLOORS: readonly (readonly string[])[];
export declare const BASE: readonly string[];
export declare const KNOW_NO_MANIFEST: readonly string[];
export declare const HOMES: Readonly<Record<string, readonly string[]>>;
