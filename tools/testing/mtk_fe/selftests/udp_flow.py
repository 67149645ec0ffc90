#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""UDP with a pace that no clock sets: every packet waits for its echo.

udp_flow.py serve PORT
udp_flow.py ADDRESS [SPORT:]PORT ECHOED [SIZE COUNT [MS]]: then COUNT packets of
SIZE bytes of payload, whatever the path's MTU, for which it does not wait, one every
MS milliseconds
"""

import socket
import sys
import time

IP_MTU_DISCOVER = 10
IP_PMTUDISC_PROBE = 3


def new_socket(port):
    """Of that port, which another one may have, too"""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("", port))
    return sock


def serve(port):
    """Send everything back that is not larger than the others"""
    sock = new_socket(port)
    while True:
        data, peer = sock.recvfrom(2048)
        if len(data) <= 64:
            sock.sendto(data, peer)


def client(address, ports, echoed, size=0, count=0, pause=0):
    """Print how many echoes came back"""
    *sport, port = map(int, ports.split(":"))
    peer = (address, port)
    sock = new_socket(*sport or [0])
    sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
    sock.settimeout(0.5)
    got = 0
    for _ in range(echoed):
        sock.sendto(bytes(64), peer)
        try:
            sock.recv(2048)
            got += 1
        except TimeoutError:
            pass
    for _ in range(count):
        sock.sendto(bytes(size), peer)
        time.sleep(pause / 1000)
    print(got)


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
else:
    client(*sys.argv[1:3], *map(int, sys.argv[3:]))
