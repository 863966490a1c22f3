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
