/** Of a choice for which none was given. */
export const DEFAULT_SEED = '0';
