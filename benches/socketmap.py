"""postfix-mta-sts-resolver's server of socketmaps, with a warm cache.

socketmap.py PORT DOMAINS: knows the policies of so many domains (d0.example, d1.example, ...), which are kept in its
cache in memory, its fastest, and never asks DNS. Says `ready` once it takes connections.
"""

import asyncio
import sys
import time

from postfix_mta_sts_resolver import utils
from postfix_mta_sts_resolver.base_cache import CacheEntry
from postfix_mta_sts_resolver.responder import STSSocketmapResponder


async def main() -> None:
    port, domains = map(int, sys.argv[1:])
    cfg = utils.populate_cfg_defaults({"host": "127.0.0.1", "port": port, "cache_grace": 86_400})
    cache = utils.create_cache(cfg["cache"]["type"], cfg["cache"]["options"])
    await cache.setup()
    for index in range(domains):
        mx = [f"mx0.d{index}.example", f"mx1.d{index}.example"]
        policy = {"version": "STSv1", "mode": "enforce", "mx": mx, "max_age": 604_800}
        await cache.set(f"d{index}.example", CacheEntry(time.time(), "1", policy))
    await STSSocketmapResponder(cfg, asyncio.get_running_loop(), cache).start()
    print("ready", flush=True)
    # Until whoever started it is gone.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if not utils.enable_uvloop():
    print("without uvloop, its faster event loop", file=sys.stderr)
asyncio.run(main())
