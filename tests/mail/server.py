"""A mail server for mail/run: aiosmtpd, which keeps what it takes, and refuses what it is to refuse.

Usage: server.py DIRECTORY plain|starttls|tls [CERTIFICATE KEY [USER PASSWORD]]

It prints its port. DIRECTORY gets each message as N.eml and each command of clients as a line of `commands`. The file
`rules` there has a line for each recipient that is refused: an address, and the response.
"""

import asyncio
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

directory, mode, *rest = sys.argv[1:]
directory = pathlib.Path(directory)
certificate, login = rest[:2], rest[2:]


def encrypted(session):
    # Where TLS is there from the first byte, the session does not know of it.
    return "encrypted" if mode == "tls" or session.ssl else "plain"


def rules():
    path = directory / "rules"
    lines = path.read_text().splitlines() if path.exists() else []
    return dict(line.split(" ", 1) for line in lines)


def log(command):
    with open(directory / "commands", "a", encoding="utf-8") as commands:
        commands.write(command + "\n")


class Handler:
    def __init__(self):
        self.taken = 0

    async def handle_MAIL(self, _server, _session, envelope, address, options):
        log(f"MAIL {address}")
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, _server, _session, envelope, address, options):
        log(f"RCPT {address}")
        if address in rules():
            return rules()[address]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server, session, envelope):
        self.taken += 1
        log(f"DATA {self.taken} {encrypted(session)} {' '.join(envelope.rcpt_tos)}")
        (directory / f"{self.taken}.eml").write_bytes(envelope.original_content)
        return f"250 2.0.0 queued as Q{self.taken}"


def authenticate(_server, session, _envelope, mechanism, data):
    name, password = data.login.decode(), data.password.decode()
    is_known = [name, password] == login
    log(f"AUTH {mechanism} {name} {'taken' if is_known else 'refused'} {encrypted(session)}")
    # With handled=True nothing would be sent.
    return AuthResult(success=is_known, handled=False)


def context():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*certificate)
    return made


async def serve():
    handler = Handler()
    options = {"hostname": "mail.roster.test", "enable_SMTPUTF8": True}
    if mode == "starttls":
        options |= {"tls_context": context(), "require_starttls": True}
    if login:
        options |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": mode == "starttls"}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(handler, loop=loop, **options), "127.0.0.1", 0, ssl=context() if mode == "tls" else None
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(serve())
