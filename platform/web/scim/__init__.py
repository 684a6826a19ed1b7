"""SCIM 2.0 (RFC 7643, RFC 7644) below /scim/v2: directories create, change and suspend people, and fill groups."""
