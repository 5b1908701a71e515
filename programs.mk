# Every program: OBJ_name its objects, USE_name how it is linked ("dynamic" and/or "store" for
# maildir/; static without), LIBS_name libraries beyond skalibs. Sorted by folder.

PROGRAMS += postern-tables
OBJ_postern-tables := bin/postern-tables.o

PROGRAMS += tcpserver
OBJ_tcpserver := bin/tcpserver.o bin/tcpserver-conns.o bin/tcpserver-spawn.o
