/** The version of Cedar that decides here, which a bundle may ask for at least. A test holds it to that of the module. */
export const cedarVersion = '4.13.0';
