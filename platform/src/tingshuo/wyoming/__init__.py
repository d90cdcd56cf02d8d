"""The Wyoming protocol of Home Assistant, over TCP: recognition and synthesis for a house of one's own.

protocol: events on the wire, with limits. sound: its bytes. sentences: text that comes in pieces. description: what
there is. conversation: one connection. server: who may connect, and how many.
"""
