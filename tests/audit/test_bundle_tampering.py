"""The tamper matrix of a bundle: no byte of it can be another one, and none may be added, moved or taken away.

Three layers are attacked, each under the one above it: bytes of the container; members whose container was made good
again; members that were listed again by somebody without the machine's key.
"""

import io
import random
from pathlib import Path

import pytest
from bundled import bundled, signed_again, unzipped, zipped
from house import House, quick
from simulator.studio import failures

from void_audit.audit.verify import verify
from void_audit.canon import bundle as layout
from void_audit.canon.hashing import sha256_hex
from void_audit.canon.zip import read_zip
from void_audit.errors import BundleError, EvidenceError
from void_audit.identity.registry import KeyRegistry

SEED = 20_261_122


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A house, and its bundle without media."""
    with quick():
        house = House(tmp_path_factory.mktemp("tampered"))
        edit = house.approved()
        house.run(edit, house.folder / "x.mp4")
        path = bundled(house, edit, house.folder / "x.zip").path
    return house, path


@pytest.fixture
def fails(small, tmp_path):
    """Insists that bytes are refused, or that an obligation fails: never a pass, never `cannot tell`."""
    house, _ = small

    def insist(data):
        path = tmp_path / "bent.zip"
        path.write_bytes(data)
        try:
            report = verify(path, house.pins())
        except EvidenceError as error:
            return error.code if error.exit_code == 1 else pytest.fail(str(error))
        assert report.exit_code == 1, report
        return sorted(failures(report))

    return insist


def flipped(data, place, mask=0xFF):
    bent = bytearray(data)
    bent[place] ^= mask
    return bytes(bent)


def offsets(data):
    """Where each member's header begins and its content ends."""
    return [(m.offset, m.offset + 30 + len(m.name) + m.size, m) for m, _ in read_zip(io.BytesIO(data))]


def test_nothing_of_the_bundle_as_it_is_fails(small):
    house, path = small
    report = verify(path, house.pins())
    assert not failures(report)
    assert report.exit_code == 3  # it holds no video


# --- bytes of the container ------------------------------------------------------------------------


def test_every_byte_of_every_header_counts(small):
    """Whatever is no content of a member: local headers, central directory, end."""
    data = small[1].read_bytes()
    content = {n for start, end, m in offsets(data) for n in range(end - m.size, end)}
    headers = sorted(set(range(len(data))) - content)
    assert len(headers) > 5000
    for place in headers[:: 1 + len(headers) // 1500]:
        with pytest.raises(BundleError):
            _read(flipped(data, place))


@pytest.mark.slow
def test_every_byte_of_a_bundle_counts(small):
    """Each byte, one after the other. A content's byte is read from its member on: what came before is not touched."""
    data = small[1].read_bytes()
    generator = random.Random(SEED)
    members = offsets(data)
    for start, end, member in members:
        tail = data[start:end]
        for place in range(end - start):
            bent = flipped(tail, place, generator.randrange(1, 256))
            if place < end - start - member.size:
                with pytest.raises(BundleError):
                    _read(data[:start] + bent + data[end:])
            else:
                with pytest.raises(BundleError, match="checksum"):
                    next(iter(_contents(bent)))
    for place in range(members[-1][1], len(data)):
        with pytest.raises(BundleError):
            _read(flipped(data, place, generator.randrange(1, 256)))


def test_a_flip_anywhere_is_refused_by_verify_itself(small, fails):
    data = small[1].read_bytes()
    for place in random.Random(SEED).sample(range(len(data)), 60):
        assert str(fails(flipped(data, place))).startswith("zip-")


def test_no_end_but_the_end(small, fails):
    data = small[1].read_bytes()
    members = offsets(data)
    cuts = {
        0,
        1,
        3,
        4,
        29,
        30,
        len(data) - 1,
        len(data) - 22,
        members[-1][1],
        members[-1][1] - 1,
        members[1][0],
    }
    for end in sorted(cuts):
        assert fails(data[:end]) in {"zip-truncated", "zip-malformed"}
    for more in (b"\0", b"PK\x05\x06", data, data[members[0][0] : members[0][1]]):
        assert fails(data + more) == "zip-malformed"
    assert fails(b"\0" + data) == "zip-malformed"


def test_members_swapped_doubled_or_between_each_other(small, fails):
    data = small[1].read_bytes()
    (a0, a1, _), (b0, b1, _) = offsets(data)[3:5]
    head, one, two, tail = data[:a0], data[a0:a1], data[b0:b1], data[b1:]
    assert fails(head + two + one + tail) == "zip-order"
    assert fails(head + one + one + two + tail) == "zip-order"
    assert fails(head + one + b"hidden" + two + tail) == "zip-malformed"
    assert fails(head + two + tail) in {"zip-malformed", "bundle-listing"}


# --- members, in a container that is in order ----------------------------------------------------------


def test_every_member_counts(small, fails):
    """One byte of each, and each taken away: the container is as it must be, the listing is not."""
    files = unzipped(small[1])
    generator = random.Random(SEED)
    for name, data in files.items():
        bent = {**files, name: flipped(data, generator.randrange(len(data)))}
        code = fails(zipped(bent))
        if name not in {layout.LISTING, layout.SIGNATURE}:
            assert code == "bundle-listing", name
        gone = fails(zipped({n: d for n, d in files.items() if n != name}))
        assert gone in {"bundle-listing", "bundle-incomplete"}


def test_every_byte_of_the_listing_counts(small):
    """Its digest is in what is signed: nothing of it is even parsed."""
    files = unzipped(small[1])
    data, signature = files[layout.LISTING], files[layout.SIGNATURE]
    assert layout.open_listing(data, signature)
    for place in range(len(data)):
        with pytest.raises(BundleError, match="what is signed"):
            layout.open_listing(flipped(data, place), signature)


def test_every_byte_of_the_signature_counts(small):
    """Refused as no envelope or as one of another listing, or its signature does not hold (obligation 4)."""
    house, path = small
    files = unzipped(path)
    data, signature = files[layout.LISTING], files[layout.SIGNATURE]
    _, honest = layout.open_listing(data, signature)
    with quick():
        keys = {key.key_id: key.public_der for key in _keys(house)}
    honest.verify(keys)
    for place in range(len(signature)):
        for mask in (1, 2, 0x20, 0xFF):
            with pytest.raises(EvidenceError):
                layout.open_listing(data, flipped(signature, place, mask))[1].verify(keys)


def test_a_flipped_signature_fails_obligation_4_in_verify_itself(small, fails):
    files = unzipped(small[1])
    at = files[layout.SIGNATURE].rindex(b'"sig":"') + 20
    other = b"A" if files[layout.SIGNATURE][at : at + 1] != b"A" else b"B"
    bent = files[layout.SIGNATURE][:at] + other + files[layout.SIGNATURE][at + 1 :]
    assert fails(zipped({**files, layout.SIGNATURE: bent})) == [4]


# --- members, listed again by somebody ------------------------------------------------------------------


@pytest.mark.parametrize("who", ["lois", "perry", "admin", "stranger"])
def test_whoever_lists_it_again_is_no_machine(small, fails, tmp_path, who):
    house, path = small
    signer = (
        House(tmp_path / "other").workshop.machine
        if who == "stranger"
        else house.place.people.load(who, None)
    )
    assert 4 in fails(zipped(signed_again(unzipped(path), signer)))


def test_even_the_machine_cannot_change_a_record_or_a_proof(small, fails):
    """With the listing signed again, what proves is what proved before: signatures of people, and the log."""
    house, path = small
    files = unzipped(path)
    generator = random.Random(SEED)
    for name in (n for n in files if n.startswith(("entries/", "proofs/", "checkpoint", "file-checkpoint"))):
        bent = {
            **files,
            name: flipped(files[name], generator.randrange(len(files[name])), 1 << generator.randrange(8)),
        }
        assert fails(zipped(signed_again(bent, house.workshop.machine))), name


def test_even_the_machine_cannot_change_content(small):
    """A blob under its own new digest is one that no record names: then the old one is missing, which is not a pass."""
    house, path = small
    files = unzipped(path)
    honest = verify(path, house.pins())
    passed = {f.obligation for f in honest.findings if f.state == "pass"}
    names = [n for n in files if n.startswith("blobs/")]
    lost = set()
    for name in names:
        data = files[name] + b"x"
        bent = {**{n: d for n, d in files.items() if n != name}, layout.blob_name(sha256_hex(data)): data}
        out = Path(path.with_name("bent.zip"))
        out.write_bytes(zipped(signed_again(bent, house.workshop.machine)))
        lost |= passed - {f.obligation for f in verify(out, house.pins()).findings if f.state == "pass"}
    assert {8, 10, 11} <= lost


def _read(data):
    return {member.name: b"".join(chunks) for member, chunks in read_zip(io.BytesIO(data))}


def _contents(data):
    for _, chunks in read_zip(io.BytesIO(data)):
        yield b"".join(chunks)


def _keys(house):
    return KeyRegistry.from_entries(house.place.reading.key_events()).enrolled
