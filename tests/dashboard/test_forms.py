"""Forms of strangers and of people who are logged in: whatever stands in them, soon answered."""

import time

import pytest

PLAIN = "application/x-www-form-urlencoded"
PARTS = b"".join(
    b'--b\r\nContent-Disposition: form-data; name="f%d"; filename="x"\r\n\r\nx\r\n' % number
    for number in range(5_000)
)
MOST_SECONDS = 0.2
"""Of the processor: where a library read them they took half a second, or minutes."""

STRANGE = {
    "a codec that is quadratic": (f"{PLAIN}; charset=punycode", b"key=" + b"a" * 12_000),
    "a codec that is none": (f"{PLAIN}; charset=zip", b"key=x"),
    "fields by the thousand": (PLAIN, b"&" * 16_000),
    "more than a key": (PLAIN, b"key=" + b"x" * 1_000_000),
    "no letters": (PLAIN, b"key=%ff%00\xff"),
    "files": ("multipart/form-data; boundary=b", PARTS + b"--b--\r\n"),
    "no boundary": ("multipart/form-data", b"--b--"),
    "a type without end": (f"{PLAIN}; " + "a=b;" * 1_900, b"key=x"),
    "another type": ("application/json", b"{}"),
}


@pytest.mark.parametrize("what", STRANGE)
async def test_a_strangers_log_in_is_refused_soon(browser, what):
    """Nothing of it is our mistake, and nothing chooses how long we read it."""
    kind, body = STRANGE[what]
    began = time.process_time()
    answer = await browser.post("/login", headers={"Content-Type": kind}, data=body)

    assert 400 <= answer.status < 500
    assert time.process_time() - began < MOST_SECONDS


PART = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
ENCODED = (
    b'--b\r\nContent-Disposition: form-data; name="pasted"\r\n'
    b"Content-Transfer-Encoding: x\r\n\r\n0x11\r\n--b--\r\n"
)
BROKEN = {
    "no boundary": ("multipart/form-data", b""),
    "a boundary that is too long": (f"multipart/form-data; boundary={'b' * 200}", b""),
    "nothing": ("multipart/form-data; boundary=b", b""),
    "parts by the hundred": ("multipart/form-data; boundary=b", PART % (b"pasted", b"") * 300),
    "parts within a part": (
        "multipart/form-data; boundary=b",
        b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c--\r\n",
    ),
    "headers that are none": ("multipart/form-data; boundary=b", b"--b\r\n" + b"x" * 9_000),
    "headers by the thousand": (
        "multipart/form-data; boundary=b",
        b"--b\r\n" + b"X: y\r\n" * 100_000,
    ),
    "an encoding that is none": (
        "multipart/form-data; boundary=b",
        ENCODED,
    ),
    "no file": (PLAIN, b"pasted=0x11"),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_a_form_with_files_that_is_broken_is_refused(admin, api, what):
    """With the right token, by somebody who may write."""
    monitor = await api.made("/v1/monitors", {"networks": ["dev"]})
    path = f"/monitors/{monitor['id']}"
    await admin.get(path)
    kind, body = BROKEN[what]
    token = PART % (b"token", admin.last.token.encode()) if "boundary=b" in kind else b""
    began = time.process_time()
    answer = await admin.post(
        f"{path}/addresses", headers={"Content-Type": kind}, data=token + body
    )

    assert answer.status == 303 or 400 <= answer.status < 500
    assert time.process_time() - began < MOST_SECONDS


async def test_a_large_form_is_read_beside_others(admin):
    """In a thread; its last field counts as well as its first."""
    await admin.get("/monitors/new")
    fields = {"name": "n" * 100, "addresses": "x" * 500_000, "networks": "dev", "do": "more"}
    answer = await admin.post("/monitors/new", fields)

    assert answer.status in (200, 400, 422)
    assert "n" * 100 in str(answer.html.text)
