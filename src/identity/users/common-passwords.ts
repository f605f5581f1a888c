import { LEAKED_PASSWORDS } from './common-password-list.js';

/**
 * What people choose most, and so what is guessed first: words and keyboard patterns in lower case, without the digits
 * and signs that are often put behind them (the policy takes those off before it looks here).
 */
const WORDS = `
password passwort passw pass passwd passphrase motdepasse contrasena wachtwoord parola senha heslo salasana
letmein welcome willkommen bienvenue admin administrator administrador adminadmin root toor superuser sysadmin operator manager
user username guest test testing tester testtest demo default changeme changeit changethis temp temporary temppass secret secrets supersecret topsecret
login signin master access private security secure server system computer internet network wireless database oracle mysql postgres postgresql
qwerty qwertyui qwertyuiop qwert qwertz qwertzui azerty azertyui asdf asdfgh asdfghjk asdfghjkl asdfasdf zxcv zxcvbn zxcvbnm qazwsx qazwsxedc qweasd qweasdzxc
qwe123qwe qwer1234 q1w2e3r4 q1w2e3r4t5 q1w2e3r4t5y6 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1q2w3e4r5t6y7u 1q2w3e4r5t6y7u8i 1qaz2wsx 1qaz2wsx3edc 1qazxsw2 zaq12wsx zaq1zaq1 zaq1xsw2 qwerty123 abcd1234 a1b2c3d4 asdf1234 pass1234 test1234 qwe123 a123456 a12345678 aa123456 aa12345678
12345678 123456789 1234567890 0123456789 01234567 87654321 987654321 9876543210 11111111 00000000 12341234 12344321 12121212 11223344 1122334455 112233 123123123 123321123 147258369 159357456 789456123 741852963 1234qwer 123qweasd 123qwe123 123abc123 12345abc 1234abcd 123456abc 123456a 12345qwert 31415926 27182818 19901990 20002000 10203040 13131313 69696969 88888888
iloveyou loveyou lovely lover lovers loveme iloveu ihateyou ihavenopass whatever nothing nopassword mypassword mypass yourpassword thepassword newpassword oldpassword userpass rootroot rootpass adminpass passpass passwordpassword password1password
sunshine princess dragon monkey football baseball basketball soccer hockey golf tennis volleyball softball swimming superman batman spiderman ironman wolverine deadpool avengers starwars startrek pokemon pikachu naruto minecraft fortnite roblox callofduty warcraft worldofwarcraft leagueoflegends counterstrike playstation nintendo xbox360 zelda mario sonic
shadow michael jennifer jordan michelle daniel jessica ashley amanda andrew anthony joshua matthew christopher nicholas robert thomas charlie george william richard joseph samantha nicole elizabeth stephanie victoria alexander alexandra benjamin jonathan danielle melissa heather tiffany rebecca patrick brandon justin hannah maggie ginger buster harley ranger hunter killer trustno trustnoone thunder summer winter autumn spring january february march april august september october november december monday tuesday wednesday thursday friday saturday sunday
freedom liberty america canada england scotland ireland australia germany deutschland france italia espana brazil brasil mexico london paris berlin madrid barcelona liverpool arsenal chelsea manchester juventus realmadrid yankees cowboys steelers eagles packers lakers redsox raiders newyork california texas florida chicago boston hawaii
mustang corvette ferrari porsche mercedes toyota yamaha harleydavidson camaro subaru bmw audi honda kawasaki ducati
cheese chocolate cookie banana orange apple pepper peanut butter coffee pizza hamburger chicken bacon sandwich strawberry blueberry cherry lemonade
butterfly flower flowers rainbow unicorn diamond silver golden purple yellow orange midnight phoenix falcon eagle tiger lion panther elephant dolphin turtle rabbit puppy kitten kitty doggy snoopy garfield tweety bubbles sweetie sweetheart honey angel angels babygirl babyboy cutie beautiful gorgeous handsome
family friends friend forever together happiness happy smile blessed blessing jesus jesuschrist christ heaven faith hope grace trinity genesis matrix merlin gandalf wizard magic mystery ninja samurai warrior knight soldier captain pirate maverick rocket scooter cowboy gangster gangsta
computer1 compaq dell lenovo samsung nokia iphone android google facebook twitter instagram linkedin youtube amazon microsoft windows apple123 github gitlab docker kubernetes openai chatgpt claude anthropic
hello helloworld hellohello goodbye sayhello bonjour hola aloha namaste howareyou goodmorning goodnight thankyou please biteme fuckyou fuckme fuckoff asshole bullshit bitch whatthefuck pussy sexy sexsex nudes playboy porn
abcdefgh abcabc abc123 abcd abc123abc abc12345 abcdefg1 aaaaaaaa xxxxxxxx zzzzzzzz qqqqqqqq asd123 asdasd asdasdasd qweqwe qweqweqwe zxczxc
corporate company business office work employee finance accounting payroll invoice customer support helpdesk service production staging development developer deploy backup monitor
agent agents superagent robot autopilot controlplane mission control missioncontrol dashboard
correcthorsebatterystaple opensesame swordfish letmeinnow letmein1 enter enternow openup abracadabra simsalabim hocuspocus trustme godislove blink182 ncc1701 thx1138 fender guitar metallica slipknot nirvana beatles eminem rockyou rockstar madonna britney
`;

export const COMMON_PASSWORDS: ReadonlySet<string> = new Set(`${WORDS} ${LEAKED_PASSWORDS}`.split(/\s+/).filter(Boolean));
