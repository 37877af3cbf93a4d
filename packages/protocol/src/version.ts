/** Version of the published tunnel protocol whose names and rules this release keeps. Same major version = compatible. */
export const protocolVersion = '1.4.5';

/** Version of this release; every artifact and library carries the same. */
export const productVersion = '0.1.0';
