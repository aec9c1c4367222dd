/**
 * What a token may do. `viewer` reads; `operator` moves orders as well; `producer` hands orders in and reads what became
 * of them; `admin` does all of it and says who else may.
 */
export const roles = ['viewer', 'operator', 'admin', 'producer'] as const;
export type Role = (typeof roles)[number];
