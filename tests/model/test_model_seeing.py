"""Settings of engines: what goes on record as an address is one, and can be shown anywhere."""

import pytest
from pydantic import ValidationError

from void_audit.model.seeing import OpenAiSettings


@pytest.mark.parametrize(
    "url",
    ["http://localhost:8000/v1", "https://[::1]:8443/v1", "http://10.0.0.1", "https://x.example/a%20b/v1"],
)
def test_an_address(url):
    assert OpenAiSettings(model="m", base_url=url).base_url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://[red]x/v1", "http://[::1/v1", "http://h:99999/v1", "http://h:0/v1", "http://h:port/v1", "http:///v1",
        "http://h\x1b]0;title\x07/v1", "http://h\x7f/v1", "http://\u202eh/v1", "http://h/\u00e9", "http://u@h/v1",
        "http://h/v1?key=1", "http://h/v1#key", "http://h/v1\n", "ftp://h/v1",
    ],
)  # fmt: skip
def test_no_address(url):
    with pytest.raises(ValidationError):
        OpenAiSettings(model="m", base_url=url)
