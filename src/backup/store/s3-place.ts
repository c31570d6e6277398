/** A bucket, or a part of one, and how it is reached. */
export interface S3Place {
  readonly bucket: string;
  /** Before every name: empty, or with a slash at its end. */
  readonly prefix: string;
  /** `https://HOST[:PORT]`; undefined: the endpoint of AWS for the region. */
  readonly endpoint?: string | undefined;
  /** Undefined: what AWS_REGION or the profile says; at an endpoint of one's own `us-east-1`, which most of those take. */
  readonly region?: string | undefined;
  /** Path of a file with PEM certificates: the endpoint's must come from one of these authorities. Undefined: from one that Node trusts. */
  readonly ca?: string | undefined;
  /** `https://HOST/BUCKET/…` instead of `https://BUCKET.HOST/…`. */
  readonly pathStyle: boolean;
}
