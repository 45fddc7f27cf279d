"""Rules of the rules file: each mistake is told, with its line and what to do."""

import pytest
from task_taskmaster_http.rules import read_rules

from task_core.api import OptionError

RIGHT = f'[[token]]\nname = "a"\nhash = "sha256:{"0" * 64}"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = y", "rules.toml, line 1: this is no TOML: Invalid value"),
        ("[[tokens]]", "unknown key 'tokens': did you mean 'token'?"),
        ("[token]\nname = 'a'", "tokens are tables: write [[token]]"),
        (
            "[[token]]\nname = 'a'",
            "line 1 (token 1): hash is required: 'task http token",
        ),
        (
            "[[token]]\nname = 'a'\nhash = 'plain'",
            "line 3 (token 1): hash must be what 'task http token' prints",
        ),
        (f"{RIGHT}type = ['a']", "line 4 (token 1): unknown key 'type': did you mean"),
        (RIGHT + RIGHT, "line 5 (token 2): there are two tokens 'a'"),
        ("[[hook]]\nname = 'a'", "line 1 (hook 1): type is required"),
        ("[[hook]]\nname = 'a b'\ntype = 'x'", "name is part of an address"),
        ("[[hook]]\nname='a'\ntype='x'\n" * 2, "there are two hooks 'a'"),
        (
            "[[hook]]\nname='a'\ntype='x'\nsecret_env='NOT_THERE_AT_ALL'",
            "secret_env names the variable NOT_THERE_AT_ALL, which is not set",
        ),
        (
            "[[hook]]\nname='a'\ntype='x'\nsecret_file='none'",
            "secret_file cannot be read",
        ),
        (
            "[[hook]]\nname='a'\ntype='x'\nsecret_file=\"a\\u0000\"",
            "secret_file has a NUL character",
        ),
        ("[[hook]]\nname='a'\ntype='x'\nsecret=''", "secret must not be empty"),
        (
            "[[hook]]\nname='a'\ntype='x'\nsecret='y'\nsecret_env='HOME'",
            "line 5 (hook 1): give one of secret, secret_env",
        ),
        (
            "[[hook]]\nname='a'\ntype='x'\nalgorithm='md5'",
            "algorithm is one of sha1, sha256, sha384, sha512, not 'md5'",
        ),
        (
            "[[hook]]\nname='a'\ntype='x'\nencoding='hax'",
            "encoding is hex or base64, not 'hax'",
        ),
        (
            "[[hook]]\nname='a'\ntype='x'\ntemplate='{body:x}'",
            "template has {body:x}: write {json:a.b} or {header:name}",
        ),
        (
            "[[hook]]\nname='a'\ntype='x'\nwhen={action='x'}",
            "when has 'action': write 'json:a.b' or 'header:name'",
        ),
        (
            "[[hook]]\nname='a'\ntype='x'\ntopic='/x'",
            "topic '/x': it would lead out of the folder",
        ),
    ],
)
def test_a_mistake_is_one_line(tmp_path, text, told):
    """With where it is."""
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(OptionError) as caught:
        read_rules(path)
    assert told in str(caught.value)


def test_all_mistakes_are_told_at_once(tmp_path):
    """Nobody starts it once for each."""
    path = tmp_path / "rules.toml"
    path.write_text("[[token]]\n[[hook]]\n")
    with pytest.raises(OptionError) as caught:
        read_rules(path)
    assert len(str(caught.value).splitlines()) >= 4


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    """What it is called, and why."""
    with pytest.raises(OptionError, match=r"cannot read .*none\.toml: No such file"):
        read_rules(tmp_path / "none.toml")
    (tmp_path / "odd.toml").write_bytes(b"\xff")
    with pytest.raises(OptionError, match="it is not UTF-8"):
        read_rules(tmp_path / "odd.toml")


def test_a_secret_in_a_file_lies_beside_the_rules(tmp_path):
    """Without the newline that an editor puts behind it."""
    (tmp_path / "key").write_text("s3cret\n")
    path = tmp_path / "rules.toml"
    path.write_text("[[hook]]\nname='a'\ntype='x'\nsecret_file='key'\n")
    signature = read_rules(path).hooks["a"].signature
    assert signature.secret == b"s3cret"
    assert "s3cret" not in repr(signature)
