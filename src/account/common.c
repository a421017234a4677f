/*
 * common.c - words that passwords are made of too often, as data.
 *
 * Some twelve hundred: the word "password" in several languages, names, animals, teams, months,
 * heroes, cars, insults; what every list of leaked passwords begins with. password.c tries them
 * decorated with digits and signs, so that each stands for thousands. Walks over the keyboard
 * and numbers are not here: they are computed.
 *
 * Entry point: weft__password_is_common().
 * Never: a word of less than three letters; it would forbid half of what there is.
 */
#include <string.h>

#include "account/password.h"

/* Sorted, lower-case, apart by one space. */
static const char words[] =
	"007bond a1b2c3 a1b2c3d4 aa123456 abc123 abcabc abcd1234 access acdc admin "
	"admin123 administrator administrator1 agent007 aini alex alexander alexandra "
	"allah always amanda amazon amen america american andrea andrew android angel "
	"angela angelina angels anime anna anthony anything apassword apollo apple "
	"apple1 april aquarius aragorn argentina aries arigato army arsenal asdasd "
	"asdf asdfgh ashley assassin asshole athena atlanta atlantis audi august "
	"australia autumn avengers awesome azerty babe baby babyboy babygirl babylove "
	"bacon bambi banana bank barbara barcelona bart baseball basketball bass "
	"bastard batman batterystaple bayern beach bear beatles beautiful beauty bee "
	"beer beetle beijing benjamin benvenuto berlin bestfriend beyonce bianca bible "
	"bienvenido bienvenue bigboss bigboy bigdaddy bigdog bigmac billion birthday "
	"bitch biteme black blackcat blackjack blaze blessed blessing blink182 "
	"blizzard blowme blue blueberry bluebird blues bluesky bmw bobcat boca bond007 "
	"bonjour booger boomer boston boxing boyfriend brandy brasil brazil britney "
	"broncos bronze brother brown bubba bubbles buddha buddy buffalo bulls "
	"bullshit bunny burger buster butter butterfly butthead cadillac cake "
	"california callofduty camaro camel canada cancer candy cappuccino capricorn "
	"captain carlos carmen caroline carpediem cash casino casper cassandra cat "
	"catherine catwoman celtic celtics challenger champ champion champions chance "
	"change changeit changeme charger charizard charlie cheese cheetah chelsea "
	"cherry chester chevrolet chevy chewbacca chicago chicken chicken1 chile china "
	"chocolate chopper christ christian christina christmas christopher church "
	"ciao cinderella cinnamon classic claudia cobra cocacola coconut coffee "
	"college colombia computer contrasena cookie cool coolness cooper corona "
	"correcthorse correcthorsebatterystaple corvette cougar counterstrike courtney "
	"cowboys coyote crazy cricket cristina crusher crystal cupcake cute cyber "
	"daddy daisy dallas dancer dancing daniel darthvader database david deadpool "
	"debbie debian december default demo demon denise denver desert desire desktop "
	"detroit deutschland devil diablo diamond diamonds diana dice dickhead digital "
	"disney doctor dodge dog doggy dollar dollars dolphin dolphins dominic donald "
	"donaldduck doraemon dorothy dortmund dracula dragon dragon1 dragonball dream "
	"dreamer dreams driver drummer drums ducati duck dumbledore eagle eagles earth "
	"easter ebay eduardo edward elephant elizabeth elvis emerald emily eminem emma "
	"energy engineer england enter entry eric ernesto espana eugene evening ever "
	"everton everything example excellent extreme facebook faith falcon family "
	"familyguy fantastic father february fernando ferrari fire firebird flame "
	"florida flower flowers football football1 ford fordf150 forest forever "
	"fortnite fox foxes france francesca francisco frank freddy freedom friday "
	"friend friends friendship frodo frost fuck fuckme fuckoff fuckyou funny "
	"futurama gabriel gabriela galaxy gandalf ganesh gangsta gangster garden "
	"garfield geek geheim gemini george gerald germany ghost giants ginger giraffe "
	"girlfriend gizmo gloria gmail god godisgood goku gold golden goldfish golf "
	"golfer gollum goodbye goodluck goofy google goose gordon gorgeous grace "
	"grandma grandpa green greenday gregory grey guest guitar gunner gustavo "
	"hacker hackme hakunamatata halflife hallo halloween halo hamburg hammer "
	"handsome hannah hannibal happiness happy hardcore harley harleydavidson "
	"harold harry harrypotter haslo hawk heather heaven heavymetal helena hello "
	"hellokitty henry herbie hercules hermione hidden hiphop hippo hobbit hockey "
	"hogwarts holahola holiday holland hollie hollywood homer homerun honda honey "
	"hongkong hooters hope horny horse hotdog hotgirl hotmail hotrod hottie "
	"houston hugs hugsandkisses hulk hunter hurricane husband icecream iceman "
	"ichliebedich ilove ilovegod iloveme iloveu iloveyou iloveyou1 india indigo "
	"insane instagram internet iphone ireland ironman isabel isabella island "
	"italia italy jackie jackpot jackson jacob jaguar jaguars james jamesbond "
	"january japan jasmin jasmine jason javier jazz jedi jeep jeffrey jennifer "
	"jeremy jessica jester jesus jesuschrist jetaime jewel john johnny joker "
	"joker1 jonathan jonny jordan jordan1 jordan23 jose joseph joshua juan julia "
	"julian julie july jumper june junior jupiter justice justin juventus karate "
	"karen katherine kathleen katie kawaii kawasaki kelly kenneth kermit kevin "
	"killer killer1 kimberly king kingdom kisses kissme kitten kitty knight koala "
	"konnichiwa krishna kristen ladybird ladybug lakers lamborghini laptop larry "
	"lasvegas laura lauren lavender leather ledzeppelin legend legends legolas "
	"lemon leo leonardo leopard letmein letmein1 letmeout liberty libra lifeisgood "
	"lightning lily lincoln linda link linkedin linux lion lisa lisbon liverpool "
	"lkjhgf loco login logmein london losangeles losenord loser louise love lovely "
	"loveme lover loverboy lovers loves loveyou lubov lucas lucky lucky13 lucky7 "
	"luckyme luis macbook macintosh maddog madison madonna madrid magic magician "
	"magnum mama manchester manga mango march marcus margaret maria marina marina1 "
	"marine mario mark marlboro mars martin martina mary master matrix matthew "
	"maverick maxima maximum maxwell maybe mazda megan melanie melbourne melissa "
	"melody melon memphis mercedes mercury mercury1 mercy merlin metallica mewtwo "
	"mexico miami michael michelle mickey mickeymouse microsoft midget midnight "
	"midnightblue miguel mike milan military million millionaire minecraft minnie "
	"mister mnbvcx molly mommy monday money monica monkey monkey1 monster monster1 "
	"montana montreal mookie moon moonlight moose mordor morgan morning mortimer "
	"moscow motdepasse mother mother1 motorola mountain muffin muffins munich "
	"murphy music musica mustang mustangs mylove mypass mypassword myspace mysql "
	"mystery mystic nancy naruto nascar natalie natasha natasha1 nathan naughty "
	"navy ncc1701 nelson nemo neptune nerd netflix network never newlife newpass "
	"newpassword newyork nicholas nicole nicole1 night nihao ninja nintendo "
	"nintendo64 nirvana nissan nitro nobody nokia noodles nopassword nothing "
	"november nurse obiwan ocean october ohshit oldpassword oliver olivia olympus "
	"onepassword onepiece online open opensesame openup oracle orange orchid "
	"original orlando oscar otaku ou812 ourpassword p4ss packard packers pamela "
	"panasonic panda panther papa paris parker parol parola pass pass123 pass1234 "
	"passcode passion passphrase passw passwd password password1 passwort pasta "
	"patricia patrick patriots paul paypal peace peach peaches peanut peanuts "
	"pearl pegasus penguin pepper pepper1 pepsi perfect perhaps peru peter philip "
	"phillip phoenix piano pickle pikachu pilot pineapple pink pinkfloyd pirate "
	"pisces pistons pizza planet platinum playboy player players playstation "
	"please pluto poiuyt pokemon poker poland police polska pony pookie popcorn "
	"popeye popstar porsche portugal postgres potato power prayer precious "
	"predator pretty prince princess princess1 private private1 privet prodigy "
	"pumpkin puppy purple pussy q1w2e3 q1w2e3r4 qaz123 qazwsx quality queen qwaszx "
	"qweasd qweasdzxc qweqwe qwert qwerty qwertz rabbit rabbits racecar racer "
	"rachel racing rafael raider raiders rainbow raindrop rambo ramon rangers "
	"rapper rascal raymond realmadrid rebecca red redhead redneck redrose redsox "
	"redwings reggae retro rhino rhythm ricardo rich richard richie rihanna river "
	"riverplate robert roberto roblox rock rocket rockets rocknroll rockstar rocky "
	"rodrigo roger roland rolltide roma rome ronald ronaldo root root123 rose "
	"rosebud rosemary roses ruby rugby runner running rush2112 russell russia "
	"rusty ryan sabrina sagittarius sailormoon sakura salasana samantha sammy "
	"sample samson samsung samuel samurai sandra sanfrancisco sapphire sarah "
	"sasuke satan saturday saturn saynara scarface school scooby scoobydoo scooter "
	"scorpio scorpion scorpions scotland scout season seattle sebastian secret "
	"secreto segredo seinfeld senha september sergio server sesame sexy sexybeast "
	"sexyboy sexygirl shadow shakira shanghai shannon shark sharon sheila "
	"shithappens shithead shooter shrek signin silver silverfox simba simon "
	"simpsons singapore sister skateboard skater skippy skywalker slayer slayer1 "
	"slipknot smile smiley smokey snake snickers sniper sniper1 snoopy snow "
	"snowball snowboard snowflake snowman snowwhite soccer soldier someone "
	"something sonic sophia sophie sorry southpark space spain spanky sparky "
	"spartan speedy spider spiderman spike spirit spongebob spotify spring sprite "
	"squirt stallion stanley star starcraft starlight stars startrek starwars "
	"steelers stephanie stephen steven stewart stinky storm strawberry strength "
	"student stupid subaru success sugar summer sunday sunflower sunlight sunny "
	"sunshine sunshine1 super superman superstar superuser supreme surfer surfing "
	"susan sushi suzuki sweet sweetheart sweetie swimmer swimming swordfish sydney "
	"sylvia system tarheels taurus taylor teacher teamo teddy teddybear temp "
	"temporary tennis tequiero tequila teresa test tester testing tetris texas "
	"thanks thankyou theman thepassword theresa therock thomas thor thunder "
	"thursday thx1138 tiamo tiffany tiger tigers tigger timothy tinkerbell titan "
	"titanic today together tokyo tomato tommy tomorrow toor toor123 tornado "
	"toronto toronto1 toyota travis treasure trevor trial trinity trojan trouble "
	"truck truelove trumpet trumpet1 trustno1 trustnoone truth tucker tuesday "
	"tulip tupac turbo turkey turtle twilight twinkle twitter twopassword tyler "
	"ubuntu ultimate unicorn universe university usa user username vacation vader "
	"valentina valerie vampire vampires vanessa vanilla vegas vegeta veronica "
	"victoria victory vikings vincent vintage violet violin viper virginia virgo "
	"vodka voldemort volkswagen volleyball voodoo wachtwoord walter wangyi "
	"warcraft warhammer warrior warriors wasd wasdwasd washington webmaster "
	"website wednesday weekend weft weftadmin welcome welcome1 welkom wendy whale "
	"whatever whiskey white whitecat whitney wife wildcat william willkommen "
	"wilson windows windsurf winner winston winter witch wizard wizard1 woaini "
	"wolf wolverine wonder wonderful woody world wrestling xavier xbox xsw2zaq1 "
	"yahoo yamaha yankees yellow yesterday yoda yolanda yourpassword youtube "
	"zaphod zaq12wsx zaq1zaq1 zebra zelda zeppelin zeus zhongguo zodiac zombie "
	"zxcv zxcvbn zxczxc ";

/*
 * The word that begins at or before a place in the text: where it starts, how long it is.
 */
static size_t word_around(size_t at, size_t *ret_len)
{
	while (at > 0 && words[at - 1] != ' ')
		at--;
	*ret_len = strcspn(words + at, " ");
	return at;
}

/* As strcmp(), of two pieces of text. */
static int compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	if (order != 0)
		return order;
	return a_len < b_len ? -1 : a_len > b_len;
}

/* By halves, over the text itself. */
bool weft__password_is_common(const char *word, size_t len)
{
	size_t low = 0, high = sizeof(words) - 1;

	if (len < 3 || memchr(word, ' ', len))
		return false;
	while (low < high) {
		size_t found_len, found = word_around(low + (high - low) / 2, &found_len);
		int order = compare(word, len, words + found, found_len);

		if (order == 0)
			return true;
		if (order < 0)
			high = found;
		else
			low = found + found_len + 1;
	}
	return false;
}
