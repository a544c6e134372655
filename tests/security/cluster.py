"""An Apache Kafka with TLS, SCRAM and an authorizer, and a user for each role."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from shared import rights
from shared.settings import BrokerSettings
from tests.kafka.apache import HOST, ApacheKafka

SUPER_USER = "admin"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
_OURS = {
    "listener.security.protocol.map": "CLIENTS:PLAINTEXT,FAULTY:SASL_SSL,CONTROLLER:PLAINTEXT",
    "sasl.enabled.mechanisms": "SCRAM-SHA-512",
    "listener.name.faulty.scram-sha-512.sasl.jaas.config": f"{_SCRAM} required;",
    "listener.name.faulty.ssl.keystore.type": "PEM",
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": f"User:ANONYMOUS;User:{SUPER_USER}",
}


@dataclass(frozen=True)
class Secured:
    """A cluster where users log in over TLS."""

    address: str
    certificates: Path
    passwords: Path
    """Folder with a file for each user."""

    def settings(self, user: str, **other: object) -> BrokerSettings:
        """As the user's service has them."""
        return BrokerSettings.model_validate(
            {
                "kafka_bootstrap_servers": self.address,
                "kafka_security_protocol": "SASL_SSL",
                "kafka_sasl_username": user,
                "kafka_sasl_password_file": self.passwords / user,
                "kafka_ssl_ca_file": self.certificates,
                **other,
            }
        )


@contextmanager
def secured(folder: Path) -> Iterator[Secured]:
    """The cluster, with all users and no rights yet; gone with its data at the end."""
    authority = trustme.CA()
    trusted, keys = folder / "ca.pem", folder / "broker.pem"
    authority.cert_pem.write_to_path(trusted)
    keys.write_bytes(_key_and_certificates(authority.issue_cert(HOST)))
    passwords = folder / "passwords"
    passwords.mkdir()
    overrides = _OURS | {"listener.name.faulty.ssl.keystore.location": str(keys)}
    with ApacheKafka(folder / "kafka", overrides=overrides) as kafka:
        users = [SUPER_USER, *(rights.USER_PREFIX + role for role in rights.ROLES)]
        for user in users:
            (passwords / user).write_text(f"password of {user}\n")
        _register(kafka.address, users)
        yield Secured(f"{HOST}:{kafka.faulty_port}", trusted, passwords)


def _key_and_certificates(issued: trustme.LeafCert) -> bytes:
    """As Java reads them: the key in PKCS #8."""
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    return b"".join(
        [
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            *(each.bytes() for each in issued.cert_chain_pems),
        ]
    )


def _register(address: str, users: list[str]) -> None:
    how = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    wanted: list[UserScramCredentialAlteration] = [
        UserScramCredentialUpsertion(user, how, f"password of {user}".encode()) for user in users
    ]
    client = AdminClient({"bootstrap.servers": address})
    for result in client.alter_user_scram_credentials(wanted).values():
        result.result(60)
