from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from void_audit.errors import InputError
from void_audit.ledger.postgresql_url import parse_address


@pytest.mark.parametrize(
    ("url", "place", "parameters"),
    [
        ("postgresql://me@db.example/log", "postgresql://me@db.example/log",
         {"host": "db.example", "user": "me", "dbname": "log", "sslmode": "verify-full"}),
        ("postgres://me@db.example:5433/log?sslmode=require", "postgresql://me@db.example:5433/log",
         {"host": "db.example", "port": "5433", "user": "me", "dbname": "log", "sslmode": "require"}),
        ("postgresql:///log", "postgresql:///log", {"dbname": "log"}),
        ("postgresql://me@/log?host=/run/pg", "postgresql://me@/log?host=/run/pg",
         {"dbname": "log", "user": "me", "host": "/run/pg"}),
        ("postgresql:///?service=ledger", "postgresql service ledger", {"service": "ledger"}),
        ("postgresql://[::1]/log", "postgresql://::1/log", {"host": "::1", "dbname": "log"}),
        ("postgresql://m%40e@127.0.0.1/l%20g", "postgresql://m@e@127.0.0.1/l g",
         {"user": "m@e", "host": "127.0.0.1", "dbname": "l g"}),
    ],
)  # fmt: skip
def test_an_address_says_where_and_how(url: str, place: str, parameters: dict[str, str]) -> None:
    address = parse_address(url)
    assert (address.place, address.parameters) == (place, parameters)


@pytest.mark.parametrize(
    ("host", "mode"),
    [("db.example", "verify-full"), ("10.0.0.1", "verify-full"), ("localhost.example", "verify-full"),
     ("localhost", None), ("127.0.0.9", None), ("[::1]", None)],
)  # fmt: skip
def test_a_server_elsewhere_must_prove_who_it_is(host: str, mode: str | None) -> None:
    assert parse_address(f"postgresql://me@{host}/log").parameters.get("sslmode") == mode


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:sesame@db.example/log",
        "postgresql://me:@db.example/log",
        "postgresql://db.example/log?password=sesame",
        "postgresql://db.example/log?sslmode=disable&sslpassword=sesame",
        "postgresql://db.example/log?passfile=sesame",
    ],
)
def test_a_password_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_address(url)
    assert caught.value.code == "database-url-password"
    assert "sesame" not in str(caught.value)
    assert "PGPASSWORD" in caught.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "", "ledger", "/srv/ledger", "mysql://db.example/log", "postgresql+psycopg://db.example/log",
        "postgresql://db.example", "postgresql://db.example/", "postgresql://one,two/log",
        "postgresql:///log?host=one,two", "postgresql:///log?port=1,2", "postgresql://db.example:99999/log",
        "postgresql://db.example:x/log", "postgresql://db/log?options=-csynchronous_commit=off",
        "postgresql://db/log?sslmode=disable&sslmode=verify-full", "postgresql://db/log?sslmode", "postgresql://db/log#x",
        "postgresql://db/log?connect_timeout=never", "postgresql://[::1/log", "postgresql://db/log\n", "postgresql://db/\0",
        "postgresql://db/log?dbname=other", "postgresql://db/log?user=postgres",
        "postgresql://db/" + "x" * 2000,
    ],
)  # fmt: skip
def test_what_is_no_address_of_one_database_is_refused(url: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_address(url)
    assert caught.value.code == "database-url"


@given(st.text(max_size=80), st.text(max_size=80))
def test_whatever_is_given_is_an_address_or_an_error_of_ours(head: str, tail: str) -> None:
    for url in (head, f"postgresql://{head}", f"postgresql://{head}@h/{tail}", f"postgresql://h/d?{tail}"):
        try:
            address = parse_address(url)
        except InputError as error:
            assert error.code in {"database-url", "database-url-password"}  # noqa: PT017
        else:
            assert {"password", "options"}.isdisjoint(address.parameters)
