import time
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(36) as pool:
    assert sum(pool.map(lambda n: time.sleep(0.001) or n, range(200))) == 19900
