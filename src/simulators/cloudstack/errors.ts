/** A refusal in CloudStack's own terms: HTTP status = `errorcode` (reference, section 2). */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly errorcode: number,
    text: string,
    /** Which Java exception was thrown; missing when the signature or session check failed. */
    readonly cserrorcode: number | null = 9999,
    /** Prints `errorresponse` instead of the command's wrapper. */
    readonly anonymous = false,
  ) {
    super(text);
  }
}

export const unauthorized = (text = 'unable to verify user credentials and/or request signature') =>
  new ApiError(401, text, null);
export const invalidParameter = (text: string) => new ApiError(431, text, 4350);
export const permissionDenied = (text: string) => new ApiError(531, text, 4365);
export const limitExceeded = (text: string) => new ApiError(535, text, 4370);
export const accountLimit = (text: string) => new ApiError(532, text, 4280);
export const noCapacity = (text: string, cserrorcode = 4325) => new ApiError(533, text, cserrorcode);
export const inUse = (text: string) => new ApiError(536, text, 4375);
export const ruleConflict = (text: string) => new ApiError(537, text, 4360);
/** What the database's unique keys say, of removed rows as well (recorded, the blank at the end too). */
export const entityExists = () => new ApiError(530, 'Entity already exists ', 0);
export const internalError = (text: string) => new ApiError(530, text, 4250);
