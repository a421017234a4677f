/*
 * fault.c - why something was refused: the sentence for people, the word for programs, the errno.
 *
 * Never: a sentence that tells whether a private room exists to who may not know of it.
 */
#include "room/fault.h"

#include <errno.h>

static const struct {
	int code;
	const char *word, *text;
} faults[WEFT_ROOM_FAULTS] = {
	[WEFT_ROOM_FAULT_NONE] = {EIO, "", "it failed"},
	[WEFT_ROOM_NO_ROOM] = {ENOENT, "no-room", "there is no such room"},
	[WEFT_ROOM_BAD_NAME] = {EINVAL, "bad-name",
		"a room's name is made of letters, digits and . _ -, 64 bytes at most"},
	[WEFT_ROOM_NAME_TAKEN] = {EEXIST, "name-taken", "this name is taken"},
	[WEFT_ROOM_NOT_MEMBER] = {EACCES, "not-member", "you are not in this room"},
	[WEFT_ROOM_NOT_ALLOWED] = {EACCES, "not-allowed", "this is not allowed"},
	[WEFT_ROOM_BANNED] = {EPERM, "banned", "you are banned"},
	[WEFT_ROOM_MUTED] = {EPERM, "muted", "you are muted"},
	[WEFT_ROOM_READ_ONLY] = {EROFS, "read-only", "only moderators speak in this room"},
	[WEFT_ROOM_SLOW_MODE] = {EAGAIN, "slow-mode",
		"this room is in slow mode; wait before the next message"},
	[WEFT_ROOM_FULL] = {EUSERS, "full", "there is no more space for anybody"},
	[WEFT_ROOM_TOO_MANY] = {EUSERS, "too-many", "there are too many of these already"},
	[WEFT_ROOM_TEXT_EMPTY] = {EINVAL, "text-empty", "there is no text"},
	[WEFT_ROOM_TEXT_TOO_LONG] = {EMSGSIZE, "text-too-long", "this text is too long"},
	[WEFT_ROOM_TEXT_NOT_UTF8] = {EILSEQ, "text-not-utf8",
		"this text is not UTF-8, or has control characters"},
	[WEFT_ROOM_BAD_ID] = {EINVAL, "bad-id",
		"a message's id is up to 40 visible characters that no other message of yours has"},
	[WEFT_ROOM_NO_SUCH_PERSON] = {ENOENT, "no-such-person", "there is nobody of this name"},
	[WEFT_ROOM_NO_SUCH_MESSAGE] = {ENOENT, "no-such-message", "there is no such message"},
	[WEFT_ROOM_FAILED] = {EIO, "failed", "it could not be stored; nothing was kept"},
};

const char *weft_room_fault_text(enum weft_room_fault fault)
{
	return (unsigned)fault < WEFT_ROOM_FAULTS ? faults[fault].text : faults[0].text;
}

const char *weft_room_fault_word(enum weft_room_fault fault)
{
	return (unsigned)fault < WEFT_ROOM_FAULTS ? faults[fault].word : faults[0].word;
}

int weft__room_fault_errno(enum weft_room_fault fault)
{
	return faults[fault].code;
}
