import asyncio
async def one(n):
    await asyncio.sleep(0.001)
    return n
async def all_of():
    return await asyncio.gather(*(one(n) for n in range(50)))
assert asyncio.run(all_of()) == list(range(50))
async def in_thread():
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, sum, [1, 2])
assert asyncio.run(in_thread()) == 3
