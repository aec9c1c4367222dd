/** Plain JSON, as it is stored and sent. Machines, plans and settings hold nothing else. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };
