"""What a SAML answer must look like before a library reads it. Stricter than the standard: what attacks need is not there at all.

Signature wrapping needs a second assertion or a second element of the same ID; tricks with text need comments, entities or processing
instructions. No provider sends any of them.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Final

from defusedxml import DefusedXmlException
from defusedxml import ElementTree as Xml

from jupyter_govern_gateway.identity.saml.errors import AnswerRefused

MAX_ANSWER: Final = 64 * 1024
"""Characters of the form's field."""
SAML: Final = "{urn:oasis:names:tc:SAML:2.0:assertion}"
SAMLP: Final = "{urn:oasis:names:tc:SAML:2.0:protocol}"
ODD: Final = re.compile(rb"<!|<\?(?!xml[ \t\r\n])")


def read_answer(field: str) -> str:
    """The ID of the request that it says it answers. Raises AnswerRefused."""
    try:
        if len(field) > MAX_ANSWER:
            raise AnswerRefused("shape", "longer than is read")
        data = base64.b64decode("".join(field.split()), validate=True)
        data.decode("utf-8")
        if ODD.search(data):
            raise AnswerRefused("shape", "comments, entities or processing instructions")
        root = Xml.fromstring(data, forbid_dtd=True)
    except (binascii.Error, UnicodeDecodeError, Xml.ParseError, DefusedXmlException, ValueError) as problem:
        raise AnswerRefused("shape", f"it cannot be read ({type(problem).__name__})") from None
    _check(root)
    return str(root.get("InResponseTo") or "")


def _check(root: Any) -> None:
    if root.tag != f"{SAMLP}Response":
        raise AnswerRefused("shape", "it is no Response")
    everywhere = [element for element in root.iter() if element.tag.rpartition("}")[2] in ("Assertion", "EncryptedAssertion")]
    direct = [element for element in root if element.tag == f"{SAML}Assertion"]
    if root.find(f"{SAMLP}Status/{SAMLP}StatusCode") is not None and not everywhere:
        return  # a failure; the library says which
    if len(everywhere) != 1 or len(direct) != 1:
        raise AnswerRefused("shape", f"{len(everywhere)} assertions, {len(direct)} of them where the one must be, none encrypted")
    ids = [value for element in root.iter() for name, value in element.attrib.items() if name.rpartition("}")[2].lower() == "id"]
    if len(set(ids)) != len(ids):
        raise AnswerRefused("shape", "an ID is there twice")
