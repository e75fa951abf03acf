/** The version of this package, as package.json has it. @since 0.1.0 */
export const version = '0.1.0';
