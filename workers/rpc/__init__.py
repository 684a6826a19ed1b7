"""The RPC calls that web requests wait for."""
