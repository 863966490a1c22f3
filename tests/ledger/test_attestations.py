import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from void_audit.ledger import attestations
from void_audit.ledger.log import Ledger

LINE = "\u2014 witness.example AAAAAAA=\n"


def test_cosignatures_are_kept_once_and_follow_the_note(home, ledger: Ledger):
    ledger.add_cosignatures(0, [LINE, LINE])
    ledger.add_cosignatures(0, [LINE])
    assert ledger.cosigned(0) == ledger.checkpoint_at(0) + LINE
    assert Ledger.open(home.place).cosigned(0) == ledger.cosigned(0)


def test_an_authoritys_first_token_stays(home, ledger: Ledger):
    digest = bytes(32)
    ledger.add_token(digest, "https://tsa.example", b"one")
    ledger.add_token(digest, "https://tsa.example", b"two")
    ledger.add_token(digest, "https://other.example", b"three")
    assert ledger.tokens(digest) == [("https://other.example", b"three"), ("https://tsa.example", b"one")]
    assert ledger.tokens(bytes(31) + b"x") == []


def test_two_that_keep_the_same_at_once_do_not_collide(home, ledger: Ledger, monkeypatch):
    both = threading.Barrier(2)

    def together(read):
        def reading(*args):
            found = read(*args)
            with suppress(threading.BrokenBarrierError):  # the other one waits for its turn
                both.wait(0.5)
            return found

        return reading

    monkeypatch.setattr(attestations, "cosignatures", together(attestations.cosignatures))
    monkeypatch.setattr(attestations, "tokens", together(attestations.tokens))
    ledgers = [ledger, home.open()]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda one: one.add_cosignatures(0, [LINE]), ledgers))
        both.reset()
        list(threads.map(lambda one: one.add_token(bytes(32), "https://tsa.example", b"one"), ledgers))
    monkeypatch.undo()
    assert ledger.cosigned(0) == ledger.checkpoint_at(0) + LINE
    assert len(ledger.tokens(bytes(32))) == 1
    ledgers[1].close()
