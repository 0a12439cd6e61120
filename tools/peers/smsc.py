"""A small SMSC: takes a bind, gives a receipt for each text, and sends what phones write. Runs in Jasmin's environment.

Standard input holds a JSON line for each text of a phone; standard output tells of each text a phone got.
"""

import json
import sys
import threading
import time
import uuid

from smpp.pdu.operations import DeliverSM
from smpp.pdu.pdu_types import AddrNpi, AddrTon, CommandStatus, EsmClass, EsmClassMode, EsmClassType
from smpp.twisted.config import SMPPServerConfig
from smpp.twisted.protocol import DataHandlerResponse
from smpp.twisted.server import SMPPServerFactory
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import IRealm, Portal
from twisted.internet import reactor
from zope.interface import implementer

USER, PASSWORD = "invented", "invented"
RECEIPT = EsmClass(EsmClassMode.DEFAULT, EsmClassType.SMSC_DELIVERY_RECEIPT)
TRIES = 50


@implementer(IRealm)
class Realm:
    """Lets whoever knows the password in."""

    def requestAvatar(self, avatarId, mind, *interfaces):
        return interfaces[0], avatarId, lambda: None


def tell(**what):
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def deliver(connection, source, target, text, **more):
    pdu = DeliverSM(
        source_addr=source, destination_addr=target, short_message=text,
        source_addr_ton=AddrTon.INTERNATIONAL, source_addr_npi=AddrNpi.ISDN,
        dest_addr_ton=AddrTon.UNKNOWN, dest_addr_npi=AddrNpi.ISDN, **more,
    )  # fmt: skip
    return connection.sendRequest(pdu, 60)


def taken(system_id, connection, pdu):
    """Take a text, tell of it, and send its receipt."""
    if pdu.commandId.name != "submit_sm":
        return CommandStatus.ESME_ROK
    message_id, text = uuid.uuid4().hex[:10], pdu.params["short_message"]
    tell(text=text.decode("latin-1"))
    now = time.strftime("%y%m%d%H%M")
    words = f"id:{message_id} sub:001 dlvrd:001 submit date:{now} done date:{now} stat:DELIVRD err:000 text:-"
    reactor.callLater(
        0.5, deliver, connection, pdu.params["destination_addr"], pdu.params["source_addr"], words.encode(), esm_class=RECEIPT
    )
    return DataHandlerResponse(status=CommandStatus.ESME_ROK, message_id=message_id)


def write(factory, line, tries=TRIES):
    """Hand a phone's text to whoever is bound; while nobody is, or it is refused, it waits as it would in a network."""
    bound = factory.bound_connections.get(USER)
    connection = bound.getNextBindingForDelivery() if bound else None
    text = json.loads(line)
    again = lambda *_: reactor.callLater(0.5, write, factory, line, tries - 1) if tries else None
    if connection is None:
        again()
    else:
        deliver(connection, text["from"].encode(), b"7788", text["text"].encode()).addErrback(again)


def main():
    checker = InMemoryUsernamePasswordDatabaseDontUse()
    checker.addUser(USER, PASSWORD)
    config = SMPPServerConfig(systems={USER: {"max_bindings": 4}}, msgHandler=taken)
    factory = SMPPServerFactory(config, auth_portal=Portal(Realm(), [checker]))
    original = factory.addBoundConnection
    factory.addBoundConnection = lambda connection: (original(connection), tell(bound=True))
    reactor.listenTCP(int(sys.argv[1]), factory, interface="127.0.0.1")

    def read():
        for line in sys.stdin:
            reactor.callFromThread(write, factory, line)

    threading.Thread(target=read, daemon=True).start()
    reactor.run()


main()
