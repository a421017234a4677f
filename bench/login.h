/*
 * login.h - who logs in, for the database and for the client.
 */
#ifndef LOGIN_H
#define LOGIN_H

#define LOGIN_NAME_FORMAT "mia-%u"
#define LOGIN_NAME_SIZE   24
#define LOGIN_PASSWORD    "a bench of oak and iron"

#endif
