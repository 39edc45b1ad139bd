"""Work that was done is not done again, and what must happen every time does.

Run it twice: `prepare` comes from the cache the second time, `fetch_prices` never does, since caching is off for it.
Exit tasks are never cached, so `stamp` runs each time. With `-p rows=500` the rows are prepared anew.
"""

from kfp import dsl


@dsl.component
def prepare(rows: int, data: dsl.Output[dsl.Dataset]):
    with open(data.path, "w") as file:
        file.writelines(f"{row},{row**2}\n" for row in range(rows))


@dsl.component
def fetch_prices() -> float:
    import time

    return time.time() % 100


@dsl.component
def value(data: dsl.Input[dsl.Dataset], price: float) -> float:
    with open(data.path) as file:
        return price * sum(1 for _ in file)


@dsl.component
def stamp(status: dsl.PipelineTaskFinalStatus):
    print(f"valued: {status.state}")


@dsl.pipeline(name="caching")
def caching(rows: int = 1000):
    with dsl.ExitHandler(stamp(), name="valuation"):
        prices = fetch_prices().set_caching_options(False)
        prepared = prepare(rows=rows)
        value(data=prepared.outputs["data"], price=prices.output)
