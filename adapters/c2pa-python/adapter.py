"""c2pa-python: a C2PA manifest in the file, signed with a key that lives as long as the run."""

import datetime
import json
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from credlink_adapter import packages, serve, signed, verdict

with packages():
    VERSION = version("c2pa-python")
    import c2pa
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

# Where a manifest names the picture.
LABEL = "org.credlink.harness"
# The key purpose of the C2PA certificate profile, c2pa-kp-claimSigning.
CLAIM_SIGNING = x509.ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
# What the reader raises if a manifest store is there and cannot be parsed, rather than the file around it.
UNPARSED = (c2pa.C2paError.Verify, c2pa.C2paError.Decoding, c2pa.C2paError.Manifest, c2pa.C2paError.Assertion)
# Every use that a certificate can name.
USES = (
    "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign "
    "encipher_only decipher_only"
).split()


class C2pa:
    name = "c2pa-python"
    version = VERSION
    licence = "MIT OR Apache-2.0"
    source = "https://github.com/contentauth/c2pa-python"
    inputs = ["image/jpeg", "image/png", "image/webp", "image/avif", "image/gif"]
    carrier = {
        "name": "manifest",
        "place": "metadata",
        "describes": "a manifest in the file that names the id; intact means that all of it validates, signer included",
    }
    # Signatures and manifest labels are random.
    deterministic = False

    def __init__(self, hello: dict[str, Any]):
        self.credentials = shared(Path(hello["work_dir"]) / "c2pa-python.json")
        self.context = c2pa.Context(c2pa.Settings.from_dict(settings(self.credentials["anchor"])))

    def sign(self, image: str, media_type: str, out: str, id: str, payload: str) -> dict[str, Any]:
        chain, key = self.credentials["chain"].encode(), self.credentials["key"].encode()
        signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo("es256", chain, key, None))
        builder = c2pa.Builder(manifest(id), context=self.context)
        with signer, builder, open(image, "rb") as source, open(out, "w+b") as destination:
            builder.sign(signer, media_type, source, destination)
        return signed(media_type)

    def verify(self, image: str, media_type: str) -> dict[str, Any]:
        try:
            with open(image, "rb") as file, c2pa.Reader(media_type, file, context=self.context) as reader:
                return judged(json.loads(reader.json()))
        except c2pa.C2paError.ManifestNotFound:
            return verdict("absent")
        except UNPARSED as error:
            return verdict("broken", codes=[f"unparsed.{type(error).__name__.removeprefix('_C2pa').lower()}"])


def judged(store: dict[str, Any]) -> dict[str, Any]:
    """The state of the active manifest; one that validates is intact if it names an id, and else not ours."""
    active = store["manifests"][store["active_manifest"]]
    results = store.get("validation_results", {}).get("activeManifest", {})
    codes = sorted({failure["code"] for failure in results.get("failure", [])})
    names = [assertion["data"].get("id") for assertion in active["assertions"] if assertion["label"] == LABEL]
    if store["validation_state"] != "Trusted":
        return verdict("broken", codes=codes)
    if not names:
        return verdict("unsure", codes=codes)
    return verdict("intact", id=names[0], codes=codes)


def manifest(id: str) -> dict[str, Any]:
    source_type = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
    created = {"action": "c2pa.created", "digitalSourceType": source_type}
    return {
        "claim_generator_info": [{"name": "credlink-adapter", "version": VERSION}],
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [created]}},
            {"label": LABEL, "data": {"id": id}},
        ],
    }


def settings(anchor: str) -> dict[str, Any]:
    """Trust in our own root alone, no thumbnail, and no use of the network."""
    return {
        "version": 1,
        "trust": {"trust_anchors": anchor, "trust_config": CLAIM_SIGNING.dotted_string},
        "verify": {"verify_trust": True, "remote_manifest_fetch": False, "ocsp_fetch": False},
        "builder": {"thumbnail": {"enabled": False}},
    }


def shared(path: Path) -> dict[str, str]:
    """The credentials of a run: the first worker to link its own under the name makes them, all others read them."""
    if not path.exists():
        own = path.with_suffix(f".{os.getpid()}")
        with open(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(credentials(), file)
        try:
            os.link(own, path)
        except FileExistsError:
            pass
        own.unlink()
    return json.loads(path.read_text())


def credentials() -> dict[str, str]:
    """A root, the certificate for signing claims that it issues, and the key of that certificate, all in PEM."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = certificate("CredLink test root", root_key, None, root_key)
    leaf = certificate("CredLink test signer", key, root, root_key)
    root_pem, leaf_pem = (made.public_bytes(serialization.Encoding.PEM).decode() for made in (root, leaf))
    form = serialization.PrivateFormat.PKCS8
    key_pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    return {"anchor": root_pem, "chain": leaf_pem + root_pem, "key": key_pem}


def certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    """A root if there is no issuer, and else a certificate that may sign claims and nothing else."""
    subject = x509.Name([
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "CredLink test credentials"),
        x509.NameAttribute(NameOID.COMMON_NAME, name),
    ])
    now = datetime.datetime.now(datetime.timezone.utc)
    uses = dict.fromkeys(USES, False) | {"key_cert_sign" if issuer is None else "digital_signature": True}
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**uses), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if issuer is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([CLAIM_SIGNING]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


serve(C2pa)
