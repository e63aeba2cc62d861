"""Fixtures of the API's tests."""
import pytest

from support.api import Api


@pytest.fixture
def start_api(system, test_directory):
    """Starts a posthorn-api of the test's system; settings by name."""
    started = []

    def start(**settings):
        made = Api(system, test_directory, f"api-{len(started) + 1}", **settings)
        started.append(made)
        return made.start()
    yield start
    for api in started:
        api.stop()


@pytest.fixture
def api(start_api):
    return start_api()
