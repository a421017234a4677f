/*
 * switch_aarch64.S - the switch by the AAPCS64 (Arm IHI 0055, section 6.1).
 *
 * Why this is right:
 *
 * - A switch is a function call to the compiler. Callee-saved are x19-x28, the frame
 *   pointer x29, sp, and the low halves of v8-v15 (d8-d15); the return address is in x30.
 *   x18 is a scratch register on Linux (elsewhere the platform's, which a thread keeps). All other
 *   registers may be gone after a call.
 * - FPCR (rounding, flush-to-zero) is kept across calls, so it goes with the stack, and is
 *   written only where it differs: the write serialises. FPSR is not preserved by calls.
 * - sp is 16-aligned at all times, as the ABI asks of a public interface.
 * - Return goes through x30 by `ret`; the saved one is that of the other side's call.
 * - Pointer authentication of return addresses is not used by our own frames, and code
 *   compiled with it signs against its own sp, which is the same again on return.
 *
 * What a parked stack holds, from its saved sp upwards:
 *
 *	+0   x29 x30   +16 x19 x20   +32 x21 x22   +48 x23 x24   +64 x25 x26   +80 x27 x28
 *	+96  d8 d9     +112 d10 d11  +128 d12 d13  +144 d14 d15  +160 fpcr, unused
 *
 * Unwinding: the frame is described once it is whole; weft__entry marks x30 undefined,
 * which ends a walk there.
 */
#define FRAME 176

	.text

	.globl	weft__switch
	.hidden	weft__switch
	.type	weft__switch, %function
	.p2align 5
weft__switch:				/* x0: void **ret_sp, x1: void *sp */
	.cfi_startproc
	sub	sp, sp, #FRAME
	.cfi_def_cfa_offset FRAME
	stp	x29, x30, [sp]
	.cfi_offset x29, -FRAME
	.cfi_offset x30, -FRAME + 8
	stp	x19, x20, [sp, #16]
	.cfi_offset x19, -FRAME + 16
	.cfi_offset x20, -FRAME + 24
	stp	x21, x22, [sp, #32]
	.cfi_offset x21, -FRAME + 32
	.cfi_offset x22, -FRAME + 40
	stp	x23, x24, [sp, #48]
	.cfi_offset x23, -FRAME + 48
	.cfi_offset x24, -FRAME + 56
	stp	x25, x26, [sp, #64]
	.cfi_offset x25, -FRAME + 64
	.cfi_offset x26, -FRAME + 72
	stp	x27, x28, [sp, #80]
	.cfi_offset x27, -FRAME + 80
	.cfi_offset x28, -FRAME + 88
	stp	d8, d9, [sp, #96]
	stp	d10, d11, [sp, #112]
	stp	d12, d13, [sp, #128]
	stp	d14, d15, [sp, #144]
	mrs	x9, fpcr
	str	x9, [sp, #160]

	mov	x10, sp
	str	x10, [x0]
	mov	sp, x1			/* from here on: the other stack, same layout */

	ldr	x10, [sp, #160]
	cmp	x9, x10
	b.eq	1f
	msr	fpcr, x10
1:	ldp	d14, d15, [sp, #144]
	ldp	d12, d13, [sp, #128]
	ldp	d10, d11, [sp, #112]
	ldp	d8, d9, [sp, #96]
	ldp	x27, x28, [sp, #80]
	ldp	x25, x26, [sp, #64]
	ldp	x23, x24, [sp, #48]
	ldp	x21, x22, [sp, #32]
	ldp	x19, x20, [sp, #16]
	ldp	x29, x30, [sp]
	add	sp, sp, #FRAME
	.cfi_def_cfa_offset 0
	.cfi_restore x19
	.cfi_restore x20
	.cfi_restore x21
	.cfi_restore x22
	.cfi_restore x23
	.cfi_restore x24
	.cfi_restore x25
	.cfi_restore x26
	.cfi_restore x27
	.cfi_restore x28
	.cfi_restore x29
	.cfi_restore x30
	ret
	.cfi_endproc
	.size	weft__switch, . - weft__switch

/*
 * The first frame is a parked stack that returns to weft__entry, with the function in
 * x19 and its argument in x20. It starts with the usual FPCR, 0.
 */
	.globl	weft__switch_prepare
	.hidden	weft__switch_prepare
	.type	weft__switch_prepare, %function
	.p2align 4
weft__switch_prepare:			/* x0: top, x1: entry, x2: arg */
	.cfi_startproc
	and	x0, x0, #~15
	sub	x0, x0, #FRAME
	adr	x9, weft__entry
	stp	xzr, x9, [x0]		/* x29 = 0 ends frame-pointer walks; x30 */
	stp	x1, x2, [x0, #16]	/* x19: entry, x20: arg */
	stp	xzr, xzr, [x0, #32]
	stp	xzr, xzr, [x0, #48]
	stp	xzr, xzr, [x0, #64]
	stp	xzr, xzr, [x0, #80]
	stp	xzr, xzr, [x0, #96]
	stp	xzr, xzr, [x0, #112]
	stp	xzr, xzr, [x0, #128]
	stp	xzr, xzr, [x0, #144]
	str	xzr, [x0, #160]
	ret
	.cfi_endproc
	.size	weft__switch_prepare, . - weft__switch_prepare

/* Nothing to remember here. */
	.globl	weft__switch_init
	.hidden	weft__switch_init
	.type	weft__switch_init, %function
weft__switch_init:
	.cfi_startproc
	ret
	.cfi_endproc
	.size	weft__switch_init, . - weft__switch_init

	.type	weft__entry, %function
	.p2align 4
weft__entry:
	.cfi_startproc
	.cfi_undefined x30
	mov	x0, x20
	blr	x19
	brk	#1			/* entry never returns */
	.cfi_endproc
	.size	weft__entry, . - weft__entry

	.section .note.GNU-stack, "", %progbits
