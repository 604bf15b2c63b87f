"""The hall: every Redis key, every byte in Redis, and the timetable bundle on disk.

Rooms leave things here for each other. Only ``store.keys`` spells a key, and every key has one writer.
May import ``domain`` alone; ``redis`` is imported nowhere else in the house.
"""
