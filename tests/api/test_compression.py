"""Large bodies are made smaller once for all who ask within a second, beside the event loop."""

import asyncio
import gzip
import json

import zstandard

from api.compression import LargeBodies

DATA = json.dumps([{"vehicleId": f"1_{number}"} for number in range(20_000)]).encode()


async def test_one_list_is_compressed_once_for_many() -> None:
    """Each by its encoding; whoever goes away takes it from nobody else."""
    large = LargeBodies()
    heads = [b'{"currentTime":%d,"data":' % time for time in range(5)]
    asked = [asyncio.create_task(large.compressed((head, DATA, b"}"), b"gzip")) for head in heads]
    await asyncio.sleep(0)
    asked[0].cancel()
    first, *others = await asyncio.gather(*asked[1:])
    assert all(other is first for other in others)
    assert gzip.decompress(first) == heads[0] + DATA + b"}"
    packed = await large.compressed((heads[1], DATA, b"}"), b"zstd")
    assert zstandard.ZstdDecompressor().decompress(packed) == heads[1] + DATA + b"}"


async def test_other_data_is_another_body() -> None:
    """Also where it says the same."""
    large = LargeBodies()
    same = bytes(bytearray(DATA))
    one, other = [await large.compressed((head, data, b"}"), b"gzip") for head, data in ((b"1", DATA), (b"2", same))]
    assert gzip.decompress(one) == b"1" + DATA + b"}"
    assert gzip.decompress(other) == b"2" + DATA + b"}"


async def test_a_body_of_one_part_is_its_own() -> None:
    large = LargeBodies()
    assert gzip.decompress(await large.compressed((DATA,), b"gzip")) == DATA
