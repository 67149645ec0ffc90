#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What stands in front of UDP in a frame, as the other end of the wire has it.

wire_frame.py DEVICE PORT: wait for a frame to this UDP port, IPv4, and print
destination, source, all types in a row, and the TTL
"""

import socket
import struct
import sys

ETH_P_ALL = 3
TAGS = (0x8100, 0x88a8)
# Above the option of the kernel's headers, which Python does not know
SOL_PACKET = 263
PACKET_AUXDATA = 8
TP_STATUS_VLAN_VALID = 1 << 4


def frames(device):
    """Frames that come in, with the tag that the kernel has taken out"""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                         socket.htons(ETH_P_ALL))
    sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    sock.bind((device, 0))
    while True:
        frame, aux, _, peer = sock.recvmsg(2048, 64)
        if peer[2] == socket.PACKET_OUTGOING:
            continue
        for level, kind, data in aux:
            if (level, kind) != (SOL_PACKET, PACKET_AUXDATA):
                continue
            status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", data[:20])
            if status & TP_STATUS_VLAN_VALID:
                tag = struct.pack("!HH", tpid, tci)
                frame = frame[:12] + tag + frame[12:]
        yield frame


def types(frame):
    """Types in front of IP, and where that begins"""
    found = []
    at = 12
    while True:
        found.append(struct.unpack_from("!H", frame, at)[0])
        at += 2
        if found[-1] not in TAGS:
            return found, at
        at += 2


def main(device, port):
    for frame in frames(device):
        found, at = types(frame)
        if found[-1] != 0x0800 or frame[at + 9] != socket.IPPROTO_UDP:
            continue
        if struct.unpack_from("!H", frame, at + 22)[0] != port:
            continue
        print(frame[:6].hex(":"), frame[6:12].hex(":"),
              *(f"{x:04x}" for x in found), "ttl", frame[at + 8])
        return


main(sys.argv[1], int(sys.argv[2]))
