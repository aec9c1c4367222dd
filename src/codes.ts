/**
 * Every code this system ever answers with, in one place. Codes are never renamed or reused.
 * Grammar: `^(MSG|ORD|ITM|CFG|SEM|URL|AUT|API|CLD|STO|BUS|OPS|SYS)(_[A-Z0-9]+)+$`, at most 40 characters.
 */
export type CodeClass = 'reject' | 'limit' | 'conflict' | 'duplicate' | 'warning' | 'hold' | 'auth' | 'item-fails' | 'unknown' | 'back-off' | 'system';
